// The word that lets styles in which are made at run time: control puts a fresh one into every page.

/** Empty while the page was not served by control. */
export function styleNonce(): string {
  return document.querySelector('meta[name="style-nonce"]')?.getAttribute('content') ?? ''
}

/** What keeps the page from scrolling behind a dialog makes a style of its own, and looks for the nonce here. */
export function shareStyleNonce(): void {
  Object.assign(globalThis, { __webpack_nonce__: styleNonce() })
}
