import { randomUUID } from "node:crypto";
import { importJWK, SignJWT } from "jose";
import type { CryptoKey } from "jose";
import type { SignatureType } from "../../wire/index.ts";
import type { SigningKeyRecord } from "../store/records.ts";
import type { SigningStore } from "../store/signing-store.ts";
import { signingKeyAt } from "./rotation.ts";
import { createSigningKey, publicJwk, SIGNING_ALGORITHM } from "./signing-key.ts";

/** How long keys are used before the store is asked again: another replica may have rotated them. */
const KEYS_GOOD_FOR_MS = 5_000;

interface Known {
  readonly keys: Promise<readonly SigningKeyRecord[]>;
  /** On the monotonic clock. */
  readonly readAt: number;
}

/** Signs for the authority, with the key that all its replicas share. */
export class Signer {
  readonly #store: SigningStore;
  readonly #now: () => number;
  readonly #imported = new Map<string, Promise<CryptoKey>>();
  #known: Known | undefined;

  /** @param now milliseconds since the epoch */
  constructor(store: SigningStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * All keys; the first is made when there is none.
   *
   * @throws StoreUnavailableError
   */
  async keys(): Promise<readonly SigningKeyRecord[]> {
    const readAt = performance.now();
    if (this.#known !== undefined && readAt - this.#known.readAt < KEYS_GOOD_FOR_MS) {
      return this.#known.keys;
    }
    const known = { keys: this.#read(), readAt };
    this.#known = known;
    try {
      return await known.keys;
    } catch (error) {
      if (this.#known === known) this.#known = undefined;
      throw error;
    }
  }

  /** Asks the store again at the next signature. */
  forgetKeys(): void {
    this.#known = undefined;
  }

  /** Id of the key that signs now. @throws StoreUnavailableError */
  async kid(): Promise<string> {
    return (await this.#current()).kid;
  }

  /**
   * Signs claims as a compact JWS.
   *
   * @throws StoreUnavailableError
   */
  async sign(type: SignatureType, claims: object): Promise<string> {
    const key = await this.#current();
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, kid: key.kid, typ: type })
      .sign(await this.#import(key));
  }

  async #current(): Promise<SigningKeyRecord> {
    const key = signingKeyAt(await this.keys(), this.#now());
    if (key === undefined) throw new Error("the store has no signing key that is published");
    return key;
  }

  async #read(): Promise<readonly SigningKeyRecord[]> {
    const keys = await this.#store.signingKeys();
    if (keys.length > 0) return keys;
    const at = this.#now();
    const first = await createSigningKey(at);
    return this.#store.addFirstSigningKey({ requestId: randomUUID(), at }, first);
  }

  #import(key: SigningKeyRecord): Promise<CryptoKey> {
    const known = this.#imported.get(key.kid);
    if (known !== undefined) return known;
    const { privateKey } = key;
    const jwk = { ...publicJwk(key), ...(privateKey === null ? {} : { d: privateKey }) };
    const imported = importJWK(jwk, SIGNING_ALGORITHM);
    this.#imported.set(key.kid, imported);
    return imported;
  }
}
