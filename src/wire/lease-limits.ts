/** Most devices that one message of the lease channel names. */
export const MAX_DEVICES_PER_MESSAGE = 1000;

/** Longest that an acknowledgement is asked to wait, in milliseconds. */
export const MAX_ACK_AFTER_MS = 1000;
