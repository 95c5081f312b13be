/** Most devices that one message of the lease channel names. */
export const MAX_DEVICES_PER_MESSAGE = 1000;

/** Most bodies that went on after a stop that one acknowledgement names. */
export const MAX_RUNNING_NAMED = 20;
/** Longest name of such a body, in UTF-16 units: the rest is left out. */
export const MAX_RUNNING_NAME_LENGTH = 100;

/** Longest that an acknowledgement is asked to wait, in milliseconds. */
export const MAX_ACK_AFTER_MS = 1000;
