// How the portal is built: one page, and parts that are loaded when they are needed.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// biome-ignore lint/style/noDefaultExport: Vite finds its configuration by it.
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react()],
  build: {
    outDir: '../../dist/portal',
    emptyOutDir: true,
    assetsDir: 'assets',
    // From these on browsers know light-dark(), which would otherwise be rewritten into something that knows no scheme.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    // The editor of scripts is one piece, loaded by who opens it.
    chunkSizeWarningLimit: 700,
  },
})
