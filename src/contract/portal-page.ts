// What the portal's page in a browser and control have in common besides the API. Without schemas: a page loads it, too.

/** Sent by the page with whatever changes something. A page of another origin cannot add it without being asked. */
export const PORTAL_HEADER = 'x-mainstay-portal'
/** Where who is invited goes; the invitation's token stands behind `#`. */
export const WELCOME_PATH = '/welcome'
/** Where a browser is sent when a sign-in elsewhere has failed: a code of a fault stands behind it. */
export const SIGN_IN_FAILED = '#sign-in-failed='
/** What lies below the root: each is a page, and what is below it are pages. */
export const PORTAL_SECTIONS = ['services', 'regions', 'databases', 'operations', 'incidents', 'settings'] as const

export const PASSWORD_LENGTH_MIN = 10
export const PASSWORD_LENGTH_MAX = 200
