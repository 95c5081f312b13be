/** Version of the authority, as `meta` answers it: that of the package. */
export const AUTHORITY_VERSION = "0.1.0";
