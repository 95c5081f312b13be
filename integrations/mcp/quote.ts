/** A device id for a person's eyes: nothing in it can pass for words of ours, or reverse them. */
export function quote(deviceId: string): string {
  const visible = (character: string): string =>
    `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  return JSON.stringify(deviceId).replaceAll(/[\p{Cf}\p{Zl}\p{Zp}]/gu, visible);
}
