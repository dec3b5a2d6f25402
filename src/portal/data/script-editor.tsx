// A script in an editor. Tab leaves it, as on every other page; the editor's own keys say how to indent.
import { javascript } from '@codemirror/lang-javascript'
import { EditorView } from 'codemirror'
import { useEffect, useRef } from 'react'
import { editing } from './editing.ts'
import { useEditorClass } from './editor-class.ts'

type Props = { label: string; start: string; isReadOnly: boolean; onChange: (text: string) => void }

export function ScriptEditor({ label, start, isReadOnly, onChange }: Props) {
  const className = useEditorClass()
  const place = useRef<HTMLDivElement>(null)
  const tell = useRef(onChange)
  tell.current = onChange
  useEffect(() => {
    if (place.current === null) return
    const view = new EditorView({
      doc: start,
      parent: place.current,
      extensions: [
        ...editing({ label, isReadOnly }),
        javascript(),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) tell.current(update.state.doc.toString())
        }),
      ],
    })
    return () => view.destroy()
  }, [label, start, isReadOnly])
  return <div ref={place} className={className} />
}
