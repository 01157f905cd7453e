// Hydrogen, logged in by the demo that serves this page (bot/demo/web.py) and opened in its room.
import { createNavigation, createRouter, FeatureSet, Platform, RootViewModel } from "hydrogen-view-sdk";
import downloadSandbox from "hydrogen-view-sdk/download-sandbox.html?url";
import worker from "hydrogen-view-sdk/main.js?url";
import wasm from "@matrix-org/olm/olm.wasm?url";
import wasmBundle from "@matrix-org/olm/olm.js?url";
import legacyBundle from "@matrix-org/olm/olm_legacy.js?url";
import "hydrogen-view-sdk/assets/theme-element-light.css";
import { tileClass } from "./edits.js";

const assetPaths = {
  downloadSandbox,
  worker,
  olm: { wasm, wasmBundle, legacyBundle },
  serviceWorker: "sw.js",
};

/** Whether the homeserver still knows this session of an earlier visit. */
async function isGood({ homeserver, accessToken }) {
  const headers = { Authorization: `Bearer ${accessToken}` };
  const answer = await fetch(`${homeserver}/_matrix/client/v3/account/whoami`, { headers }).catch(() => null);
  return answer?.ok;
}

/** The session that this browser keeps, or a new device from the demo. */
async function session(store) {
  const [kept] = await store.getAll();
  if (kept && (await isGood(kept))) return kept;
  localStorage.clear();
  const answer = await fetch(`session${location.search}`, { method: "POST" });
  if (!answer.ok) throw Error(await answer.text());
  const { room, ...device } = await answer.json();
  const fresh = { id: crypto.randomUUID(), lastUsed: Date.now(), ...device };
  await store.add(fresh);
  location.hash = `#/session/${fresh.id}/room/${encodeURIComponent(room)}`;
  return fresh;
}

async function main(container) {
  const platform = new Platform({ container, assetPaths, config: {} });
  const navigation = createNavigation();
  platform.setNavigation(navigation);
  await platform.init();
  await session(platform.sessionInfoStorage);
  const urlRouter = createRouter({ navigation, history: platform.history });
  urlRouter.attach();
  const features = await FeatureSet.load(platform.settingsStorage);
  const options = { platform, navigation, urlRouter, features, tileClassForEntry: tileClass };
  const root = new RootViewModel(options);
  platform.createAndMountRootView(root);
  await root.load();
}

main(document.body).catch((error) => (document.body.textContent = error.message));
