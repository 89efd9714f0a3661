// How the page is built: into the package, without a request to any other host.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: '../src/detente/web/static',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // fonts stay files, so that only those of the language shown are loaded
    chunkSizeWarningLimit: 1200, // the map is one lazy chunk
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': 'http://127.0.0.1:8765', '/schema': 'http://127.0.0.1:8765' } },
})
