// What is searched for, as an object, as the address of the page and as a request.

export const FILTERS = ["under", "after", "before", "format", "min_width"];
export const PAGE = 60;  // hits asked for at a time

/**
 * A query: `words`, `not` (list of words), `like` (id of a content or null), `picture` (a File or
 * null; it is not part of the address), `filters` (by name, only those that are set) and `fold`.
 */
export const emptyQuery = () =>
    ({words: "", not: [], like: null, picture: null, filters: {}, fold: true});

/** Of `search`, as in location.search; `picture` as kept elsewhere. */
export function readQuery(search, picture = null) {
  const fields = new URLSearchParams(search);
  const query = emptyQuery();
  query.words = fields.get("q") ?? "";
  query.not = fields.getAll("not").filter((words) => words !== "");
  const like = fields.get("like") ?? "";
  query.like = /^[0-9]{1,15}$/.test(like) ? Number(like) : null;
  query.picture = picture;
  for (const name of FILTERS) {
    if (fields.get(name)) query.filters[name] = fields.get(name);
  }
  query.fold = fields.get("fold") !== "0";
  return query;
}

/** The address of a query: "/" or "/?q=...". */
export function addressOf(query) {
  const fields = new URLSearchParams();
  if (query.words) fields.set("q", query.words);
  for (const words of query.not) fields.append("not", words);
  if (query.like !== null) fields.set("like", query.like);
  for (const name of FILTERS) {
    if (query.filters[name]) fields.set(name, query.filters[name]);
  }
  if (!query.fold) fields.set("fold", "0");
  const text = fields.toString();
  return text ? `/?${text}` : "/";
}

/** Whether there is something to search for, not only something to leave out. */
export const isAsked = (query) => query.words !== "" || query.like !== null || query.picture !== null;

/** Fields of a request that say which contents may be found. */
export function filterFields(query) {
  const fields = {...query.filters};
  if (fields.min_width) fields.min_width = Number(fields.min_width);
  return fields;
}

/** The body of POST /v1/search for hits from `offset`; `image` is a data URI or null. */
export function requestOf(query, offset, image) {
  const request = {...filterFields(query), top: PAGE, offset, fold: query.fold};
  if (query.words) request.text = query.words;
  if (query.not.length > 0) request.not = query.not;
  if (query.like !== null) request.like = query.like;
  if (image !== null) request.image = image;
  return request;
}

/** ("dog -snow -\"a drawing\"") -> {words: "dog", not: ["snow", "a drawing"]}. */
export function splitWords(text) {
  const not = [];
  const words = text.replace(/(^|\s)-(?:"([^"]+)"|([^\s"-][^\s"]*))(?=\s|$)/g, (all, before, quoted, plain) => {
    not.push((quoted ?? plain).trim());
    return before;
  });
  return {words: words.replace(/\s+/g, " ").trim(), not};
}
