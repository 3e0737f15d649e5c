import { describeDocumentedTests } from './documented-tests.ts';

describeDocumentedTests('docs/reliability.md', 90);
