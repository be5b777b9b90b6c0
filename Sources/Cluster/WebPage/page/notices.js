// What the API warned of when a song was taken on, until it is put away.
const warnings = new Map();

export const notices = {
  set(song, list) { if (list?.length) warnings.set(song, list); },
  get: (song) => warnings.get(song) ?? [],
  clear: (song) => warnings.delete(song),
};
