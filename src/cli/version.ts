/** Version of the command line: that of the package. */
export const CLI_VERSION = "0.1.0";
