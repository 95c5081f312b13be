// By their files, and nothing that is loaded already: a bundler would put that in a file of its own.
import { readReceipt, receiptKeyText } from "../wire/receipt.ts";
import { SIGNATURE_TYPES } from "../wire/signature-types.ts";
import type { readDecision, Route } from "../wire/index.ts";
import { decodeBase64, readAuthorityKey } from "./authority-key.ts";
import type { AuthorityKey, PublicKey } from "./authority-key.ts";
import type { InvalidArgumentError, RequestError } from "./errors.ts";
import type { Answer } from "./exchange.ts";

/**
 * Decisions with receipts. Loaded when a client has an authority's public key.
 * WebCrypto verifies, since every runtime has it.
 */

type Body = Readonly<Record<string, unknown>>;

/** What is loaded already, and is handed over for that reason. */
export interface Loaded {
  readonly readDecision: typeof readDecision;
  readonly route: Route;
  readonly InvalidArgumentError: typeof InvalidArgumentError;
  readonly RequestError: typeof RequestError;
}

/** A decision to ask for. */
export interface VerifiedRequest {
  readonly orgKey: string;
  readonly authorityKey: AuthorityKey;
  readonly body: Body;
  readonly send: (body: Body) => Promise<Answer>;
}

/**
 * Asks for a decision with a nonce that nobody has seen, and returns it once the
 * receipt of the answer is verified. An answer that decides nothing needs none.
 *
 * @throws RequestError `RECEIPT_INVALID`
 * @throws InvalidArgumentError `OPTION_INVALID`, before any request, when there is no key to verify with
 */
export async function requestVerified(request: VerifiedRequest, loaded: Loaded): Promise<Answer> {
  const keys = keysOf(request, loaded);
  const nonce = createNonce();
  const answer = await request.send({ ...request.body, nonce });
  if (decidesNothing(answer, request.body["deviceId"], loaded)) return answer;
  const problem = await problemWith(request, keys, answer, nonce).catch(
    (error: unknown) => `it cannot be verified here: ${String(error)}`,
  );
  if (problem === undefined) return answer;
  const { status, requestId } = answer;
  const message = `the receipt is not to be trusted: ${problem}`;
  throw new loaded.RequestError("RECEIPT_INVALID", message, {
    ...loaded.route,
    status,
    requestId,
  });
}

/** Whoever looks at `allowed` alone must not be misled by an answer that is no decision. */
function decidesNothing({ status, body }: Answer, deviceId: unknown, loaded: Loaded): boolean {
  const { allowed }: Partial<Record<string, unknown>> = Object(body);
  const isQuiet = allowed === undefined || allowed === false;
  return isQuiet && loaded.readDecision(status, body, String(deviceId)).outcome === "unavailable";
}

function keysOf({ authorityKey }: VerifiedRequest, loaded: Loaded): readonly PublicKey[] {
  try {
    return readAuthorityKey(authorityKey);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new loaded.InvalidArgumentError("OPTION_INVALID", message);
  }
}

async function problemWith(
  { orgKey, body }: VerifiedRequest,
  keys: readonly PublicKey[],
  answer: Answer,
  nonce: string,
): Promise<string | undefined> {
  const fields: Readonly<Record<string, unknown>> = Object(answer.body);
  const { receipt } = fields;
  if (typeof receipt !== "string") return "there is none";
  const claims = await readSigned(receipt, keys);
  if (typeof claims === "string") return claims;
  const key = await sha256(receiptKeyText(await sha256(orgKey), nonce));
  const { deviceId } = body;
  return readReceipt(claims, { answer: fields, deviceId, nonce, key, now: Date.now() });
}

/** The claims of a compact JWS that one of the keys signed, or what is wrong with it. */
async function readSigned(
  token: string,
  keys: readonly PublicKey[],
): Promise<Readonly<Record<string, unknown>> | string> {
  const parts = token.split(".");
  const [header = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3) return "it is no signature";
  const { alg, typ, kid, crit } = readPart(header);
  if (alg !== "EdDSA" || crit !== undefined) return "it is signed in another way";
  if (typ !== SIGNATURE_TYPES.receipt) return "it is no receipt";
  const signed = new TextEncoder().encode(`${header}.${payload}`);
  for (const key of keys) {
    if (key.kid !== undefined && key.kid !== kid) continue;
    const imported = await crypto.subtle.importKey("raw", key.bytes, "Ed25519", false, ["verify"]);
    if (await crypto.subtle.verify("Ed25519", imported, decode(signature), signed)) {
      return readPart(payload);
    }
  }
  return "none of the authority's known keys signed it";
}

/** Own properties of a part's JSON alone. @throws Error when it is none */
function readPart(part: string): Readonly<Record<string, unknown>> {
  return { __proto__: null, ...Object(parse(new TextDecoder().decode(decode(part)))) };
}

/** What is no JSON is not repeated: the other side may have echoed the key. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("not JSON");
  }
}

/** @throws Error when it is not base64url, or not as it would be written */
function decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(text);
  if (encode(bytes) !== text) throw new Error("not base64url");
  return bytes;
}

function encode(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function sha256(text: string): Promise<string> {
  return encode(
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
  );
}

const NONCE_BYTES = 16;
const createNonce = (): string => encode(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
