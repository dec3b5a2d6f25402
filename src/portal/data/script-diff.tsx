// Two versions of a script beside each other.
import { javascript } from '@codemirror/lang-javascript'
import { MergeView } from '@codemirror/merge'
import { useEffect, useRef } from 'react'
import { editing } from './editing.ts'
import { useEditorClass } from './editor-class.ts'

export function ScriptDiff({ before, after }: { before: string; after: string }) {
  const className = useEditorClass()
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (place.current === null) return
    const view = new MergeView({
      a: { doc: before, extensions: [...editing({ label: 'Before', isReadOnly: true }), javascript()] },
      b: { doc: after, extensions: [...editing({ label: 'In force', isReadOnly: true }), javascript()] },
      parent: place.current,
      collapseUnchanged: {},
    })
    return () => view.destroy()
  }, [before, after])
  return <div ref={place} className={className} />
}
