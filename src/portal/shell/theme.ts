// Colours, letters and sizes of the portal; every pair of text and ground that is used has a contrast of 4.5:1.
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

const HARBOUR: MantineColorsTuple = [
  '#eaf3fb',
  '#d2e4f4',
  '#a6c9e8',
  '#79aedc',
  '#5a9bd3',
  '#3c86c4',
  '#2474b6',
  '#14609f',
  '#0f4d82',
  '#0a3a64',
]
const RED: MantineColorsTuple = [
  '#fdeceb',
  '#fbd5d3',
  '#f6acaa',
  '#f1918d',
  '#e5605a',
  '#d5403a',
  '#c22f2a',
  '#b0211f',
  '#8f1a19',
  '#6e1413',
]
const DARK: MantineColorsTuple = [
  '#d9e0e8',
  '#b5bfcc',
  '#8d98a7',
  '#5f6975',
  '#343b45',
  '#2a3038',
  '#1c2027',
  '#14171c',
  '#101317',
  '#0b0d10',
]
const FONTS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
const MONOSPACE = 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace'

export const theme = createTheme({
  colors: { harbour: HARBOUR, red: RED, dark: DARK },
  primaryColor: 'harbour',
  primaryShade: { light: 7, dark: 7 },
  fontFamily: FONTS,
  fontFamilyMonospace: MONOSPACE,
  headings: { fontFamily: FONTS, fontWeight: '650' },
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'sm' } },
    Modal: { defaultProps: { size: 'lg', closeButtonProps: { 'aria-label': 'Close' } } },
    Table: { defaultProps: { verticalSpacing: 'xs' } },
    PasswordInput: {
      defaultProps: { visibilityToggleButtonProps: { 'aria-label': 'Show or hide what was typed', tabIndex: 0 } },
    },
    // A link among words is told from them by more than its colour.
    Anchor: { defaultProps: { underline: 'always' } },
    Alert: { defaultProps: { variant: 'light' } },
  },
})

// Mantine's own grey of asides is too faint on white to be read by everybody.
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#566070',
    '--mantine-color-placeholder': '#667085',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-error': '#b0211f',
  },
  dark: {
    '--mantine-color-dimmed': '#a4afbd',
    '--mantine-color-placeholder': '#8d98a7',
    '--mantine-color-body': '#14171c',
    '--mantine-color-text': '#d9e0e8',
    '--mantine-color-error': '#f6acaa',
    '--mantine-color-default-border': '#343b45',
    '--mantine-color-default': '#1c2027',
  },
})
