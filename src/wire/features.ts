/** The extensions that an authority names in its answer to `meta`; none where it has no such answer. */
export function readFeatures(httpStatus: number, body: unknown): readonly string[] {
  const isAnswer = httpStatus >= 200 && httpStatus < 300 && typeof body === "object";
  if (!isAnswer || body === null) return [];
  const features = Object.hasOwn(body, "features") ? Reflect.get(body, "features") : undefined;
  return Array.isArray(features) ? features.filter((name) => typeof name === "string") : [];
}
