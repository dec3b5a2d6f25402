// How the place of an editor looks on this page.
import { useComputedColorScheme } from '@mantine/core'
import styles from './script-editor.module.css'

export function useEditorClass(): string {
  const isDark = useComputedColorScheme() === 'dark'
  return isDark ? `${styles.editor} ${styles.dark}` : (styles.editor ?? '')
}
