// What the editor and the comparison of scripts have in common.
import { basicSetup, EditorView } from 'codemirror'
import { styleNonce } from '../shell/style-nonce.ts'

export function editing({ label, isReadOnly }: { label: string; isReadOnly: boolean }) {
  return [
    basicSetup,
    EditorView.cspNonce.of(styleNonce()),
    EditorView.lineWrapping,
    EditorView.editable.of(!isReadOnly),
    EditorView.contentAttributes.of({ 'aria-label': label, ...(isReadOnly ? { tabindex: '0' } : {}) }),
    EditorView.theme({
      '&': { fontSize: '13px', color: 'inherit', backgroundColor: 'transparent' },
      '.cm-content': { fontFamily: 'var(--mantine-font-family-monospace)', caretColor: 'currentColor' },
      '.cm-gutters': {
        backgroundColor: 'transparent',
        color: '#566070',
        borderRight: '1px solid #dee2e6',
      },
      '.cm-cursor': { borderLeftColor: 'currentColor' },
      '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: '#00000008' },
      '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': {
        backgroundColor: '#cfe0f1 !important',
      },
    }),
  ]
}
