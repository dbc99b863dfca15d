// A store that cannot be opened: held by somebody else, damaged, away. The message is for the operator and says what to do.

export class StoreError extends Error {}
