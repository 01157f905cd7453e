// Builds the page into dist/, from which bot/demo/web.py serves it.
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

/** Hydrogen asks for its service worker beside the page, under its own name. */
const serviceWorker = {
  name: "service-worker",
  generateBundle() {
    const source = readFileSync(new URL("node_modules/hydrogen-view-sdk/lib-build/sw.js", import.meta.url));
    this.emitFile({ type: "asset", fileName: "sw.js", source });
  },
};

export default defineConfig({
  base: "./",
  logLevel: "error",
  plugins: [serviceWorker],
  // the one bundle is large, and comes from this machine; small files must stay files for their URLs
  build: { chunkSizeWarningLimit: 2000, assetsInlineLimit: 0, target: "es2022" },
});
