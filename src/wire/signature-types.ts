/**
 * What a signing key signs. The type is in the header `typ` of each signature,
 * so that one kind of statement can never be shown for another.
 */
export const SIGNATURE_TYPES = {
  receipt: "machineid-receipt+jwt",
  checkpoint: "machineid-audit-checkpoint+jwt",
  statement: "machineid-audit-statement+jwt",
} as const;
export type SignatureType = (typeof SIGNATURE_TYPES)[keyof typeof SIGNATURE_TYPES];
