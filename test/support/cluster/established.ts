/**
 * An argument of `kubectl wait` for CustomResourceDefinitions that the API server serves. `--for=condition=Established` fails at once if it
 * reads a definition that has no conditions yet, and a path that is not there yet is waited for.
 */
export const established = '--for=jsonpath={.status.conditions[?(@.type=="Established")].status}=True';
