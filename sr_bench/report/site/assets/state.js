// What is shown stands in the address, so that a link shows what its sender saw. Defaults are left out.
let STATE = new URLSearchParams();

function readState() {
  const given = [...new URLSearchParams(location.hash.slice(1))];
  STATE = new URLSearchParams(given.filter(([, value]) => value !== ""));
}

// The address with some values changed; an empty one goes back to its default.
function addressWith(changes) {
  const next = new URLSearchParams(STATE);
  for (const [key, value] of Object.entries(changes)) value === "" ? next.delete(key) : next.set(key, value);
  return `#${next}`;
}

function remember(changes) {
  const address = addressWith(changes);
  STATE = new URLSearchParams(address.slice(1));
  history.replaceState(null, "", address);
}

// Several names as one value: "," alone is none of them.
const packed = (names) => (names.length ? names.map(encodeURIComponent).join(",") : ",");
const unpacked = (text) => text.split(",").filter(Boolean).map(decodeURIComponent);
