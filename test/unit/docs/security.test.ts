import { describeDocumentedTests } from './documented-tests.ts';

describeDocumentedTests('docs/security.md', 23);
