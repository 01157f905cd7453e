// Hydrogen 0.3 shows each edit as one more message.  Here the edited message shows its newest text,
// as in other clients, so that a progress message is one.
import { TextTile, tileClassForEntry } from "hydrogen-view-sdk";

/** event id -> the newest edit of that event */
const edits = new Map();
/** event id -> the tiles that show it: its own, and those of replies to it */
const tiles = new Map();

class EditedTile extends TextTile {
  constructor(entry, options) {
    super(entry, options);
    tiles.set(entry.id, [...(tiles.get(entry.id) ?? []), this]);
  }

  _getContent() {
    const edit = edits.get(this._entry.id);
    const counts = edit?.sender === this._entry.sender;
    return (counts && edit.content["m.new_content"]) || super._getContent();
  }
}

/** What shows *entry*; nothing for an edit, which shows where its event is. */
export function tileClass(entry, options) {
  const usual = tileClassForEntry(entry, options);
  if (usual !== TextTile) return usual;
  const { rel_type, event_id } = entry.relation ?? {};
  if (rel_type !== "m.replace") return EditedTile;
  const before = edits.get(event_id);
  if (!before || before.compare(entry) < 0) edits.set(event_id, entry);
  for (const tile of tiles.get(event_id) ?? []) tile.emitChange("body");
}
