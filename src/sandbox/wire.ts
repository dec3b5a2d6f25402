// What both sides of the channel must agree on, besides the types of messages. The sandbox loads it, too.

/** A date on the way: an object with this one key, since JSON has no dates and a text may only look like one. */
export const DATE_KEY = '$mainstay.date'
/** Bytes, in the same way: as base64. */
export const BYTES_KEY = '$mainstay.bytes'
