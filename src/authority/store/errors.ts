/** The store could not carry out a call; nothing was granted. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
  readonly code = "STORE_UNAVAILABLE";

  constructor(message: string, options?: ErrorOptions) {
    super(`store unavailable: ${message}`, options);
  }
}

/** Another process owns the store's file. */
export class StoreLockedError extends Error {
  override readonly name = "StoreLockedError";
  readonly code = "STORE_LOCKED";
  readonly path: string;

  constructor(path: string, options?: ErrorOptions) {
    super(
      `${path} is in use by another authority; stop that one first, or give this one a file of its own`,
      options,
    );
    this.path = path;
  }
}

/** The store's file is not one this version can work with. */
export class StoreSchemaError extends Error {
  override readonly name = "StoreSchemaError";
  readonly code = "STORE_SCHEMA";
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path} ${problem}`, options);
    this.path = path;
  }
}
