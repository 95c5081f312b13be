export { recordingGuard } from "./recording-guard.ts";
export type { RecordingGuard } from "./recording-guard.ts";
export { startTestAuthority } from "./test-authority.ts";
export type { TestAuthority, TestAuthorityOptions } from "./test-authority.ts";
