/** Most devices that one message of the lease channel names. */
export const MAX_DEVICES_PER_MESSAGE = 1000;
