/** What the key of an org may be for. `docs/authority.md` says what each may do. */
export const KEY_ROLES = ["owner", "operator", "agent", "viewer"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** What the keys of each role begin with, so that a person sees what one may do. */
export const KEY_PREFIXES = {
  owner: "org_",
  operator: "opr_",
  agent: "agt_",
  viewer: "viw_",
} as const satisfies Record<KeyRole, string>;
