import * as z from "zod/mini";

/** Longest device id, in UTF-16 code units, counted after trimming. */
export const MAX_DEVICE_ID_LENGTH = 256;

const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * A device id is a label its owner chooses, neither a secret nor a fingerprint.
 * Recommended: `{service}:{env}:{role}:{instance}`. It is trimmed, has 1 to 256
 * UTF-16 units, no control characters, and is well formed: a lone surrogate
 * would become another id on its way through UTF-8.
 */
export const deviceIdSchema = z.pipe(
  z.pipe(
    z.string(),
    z.transform((value) => value.trim()),
  ),
  z.string().check(
    z.minLength(1, "must not be empty"),
    z.maxLength(MAX_DEVICE_ID_LENGTH, `must have at most ${MAX_DEVICE_ID_LENGTH} characters`),
    z.refine((value) => value.isWellFormed(), "must be well-formed Unicode"),
    z.refine((value) => !CONTROL_CHARACTER.test(value), "must not contain control characters"),
  ),
);
