// A Matrix client that believes only devices which their owner has signed, for tests to talk to.
// node peer.js HOMESERVER USER PASSWORD: logs in, then reads one JSON command a line from standard
// input, {"n": 1, "do": "say", …}, and answers each with {"n": 1, …} or {"n": 1, "error": …}.
// What it hears is written as {"heard": {…}} in between.
import { createInterface } from "node:readline";
import * as sdk from "matrix-js-sdk";
import { AllDevicesIsolationMode, OnlySignedDevicesIsolationMode } from "matrix-js-sdk/lib/crypto-api/index.js";

const [homeserver, user, password] = process.argv.slice(2);
const identifier = { type: "m.id.user", user };
// what libraries log is for people, on standard error
console.log = console.info = console.debug = console.warn = console.error;
const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
sdk.logger?.setLevel?.("error");

async function start() {
  const guest = sdk.createClient({ baseUrl: homeserver });
  const login = await guest.loginRequest({ type: "m.login.password", identifier, password });
  const client = sdk.createClient({
    baseUrl: homeserver,
    userId: login.user_id,
    deviceId: login.device_id,
    accessToken: login.access_token,
  });
  await client.initRustCrypto({ useIndexedDB: false });
  client.getCrypto().setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
  client.on(sdk.RoomEvent.Timeline, (event) => hear(client, event));
  client.on(sdk.MatrixEventEvent.Decrypted, (event) => hear(client, event));
  await client.startClient({ initialSyncLimit: 0 });
  await synced(client);
  return client;
}

/** Write down a message, and what the client thinks of the device that it came from. */
async function hear(client, event) {
  if (event.isEncrypted() && (event.isBeingDecrypted() || !event.getClearContent())) {
    if (!event.isDecryptionFailure()) return;
  }
  if (event.status || event.isState() || event.getType() === "m.room.redaction") return;
  const encryption = await client.getCrypto().getEncryptionInfoForEvent(event);
  write({
    heard: {
      id: event.getId(),
      room: event.getRoomId(),
      sender: event.getSender(),
      type: event.getType(),
      content: event.getContent(),
      encrypted: event.isEncrypted(),
      // why it could not be read; null where it could
      unread: event.isDecryptionFailure() ? event.decryptionFailureReason : null,
      // 0 none, 1 grey, 2 red; null where nothing was encrypted
      shield: encryption?.shieldColour ?? null,
    },
  });
}

/** Return once the client is in the room and knows whether it is encrypted. */
async function entered(client, room) {
  const isIn = async () =>
    client.getRoom(room)?.getMyMembership() === "join" &&
    (!client.getRoom(room).hasEncryptionStateEvent() ||
      (await client.getCrypto().isEncryptionEnabledInRoom(room)));
  while (!(await isIn())) await synced(client);
}

/** Return after the next answer to a sync. */
async function synced(client) {
  await new Promise((done) => client.once(sdk.ClientEvent.Sync, done));
}

async function devicesOf(client, user) {
  return (await client.getCrypto().getUserDeviceInfo([user], true)).get(user) ?? new Map();
}

const commands = {
  async who(client) {
    return { user: client.getUserId(), device: client.getDeviceId() };
  },
  /** Believe every device ("all"), or only signed ones. */
  async believe(client, { all }) {
    const mode = all ? new AllDevicesIsolationMode(false) : new OnlySignedDevicesIsolationMode();
    client.getCrypto().setDeviceIsolationMode(mode);
  },
  /** Make an identity of its own, and sign its device with it. */
  async sign(client) {
    await client.getCrypto().bootstrapCrossSigning({
      setupNewCrossSigning: true,
      authUploadDeviceSigningKeys: async (request) => {
        const type = "m.login.password";
        return await request({ type, identifier, password });
      },
    });
  },
  /** A new room, encrypted unless "plain". */
  async create(client, { invite, alias, plain }) {
    const content = { algorithm: "m.megolm.v1.aes-sha2" };
    const encryption = { type: "m.room.encryption", state_key: "", content };
    const { room_id } = await client.createRoom({
      preset: "private_chat",
      invite,
      room_alias_name: alias,
      initial_state: plain ? [] : [encryption],
    });
    await entered(client, room_id);
    return { room: room_id };
  },
  async join(client, { room }) {
    await client.joinRoom(room);
    await entered(client, room);
  },
  async say(client, { room, text }) {
    const { event_id } = await client.sendTextMessage(room, text);
    return { id: event_id };
  },
  /** Return once a user is in the room and has a device to speak from. */
  async meet(client, { room, user }) {
    const isHere = () => client.getRoom(room).getMember(user)?.membership === "join";
    while (!isHere() || !(await devicesOf(client, user)).size) await synced(client);
  },
  /** What is thought of each device of a user. */
  async devices(client, { user }) {
    const devices = {};
    for (const id of (await devicesOf(client, user)).keys()) {
      const status = await client.getCrypto().getDeviceVerificationStatus(user, id);
      devices[id] = { signed: status?.signedByOwner ?? false };
    }
    return { devices };
  },
};

const client = await start();
write({ ready: await commands.who(client) });
for await (const line of createInterface({ input: process.stdin })) {
  const { n, do: name, ...wish } = JSON.parse(line);
  commands[name](client, wish).then(
    (answer) => write({ n, ...answer }),
    (error) => write({ n, error: String(error) }),
  );
}
process.exit(0);
