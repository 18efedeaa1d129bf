import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

const page = (name: string) => fileURLToPath(new URL(`./${name}.html`, import.meta.url))

export default defineConfig({
  plugins: [svelte()],
  // The API's content security policy allows nothing from data: but pictures, so fonts and scripts stay files.
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1300,
    reportCompressedSize: false,
    rolldownOptions: {
      input: {
        index: page('index'), crew: page('crew'), phone: page('phone'), city: page('city'), report: page('report'),
        liff: page('liff'),
      },
    },
  },
  server: { proxy: { '/api': process.env.FAONAM_API ?? 'http://127.0.0.1:8000' } },
})
