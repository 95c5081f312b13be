import * as z from "zod/mini";
import {
  auditAnswerSchema,
  auditChainsAnswerSchema,
  batchAnswerSchema,
  batchRequestSchema,
  changeDeviceRequestSchema,
  createKeyRequestSchema,
  createOrgAnswerSchema,
  createOrgRequestSchema,
  deviceChangeAnswerSchema,
  failureAnswerSchema,
  healthAnswerSchema,
  jwksAnswerSchema,
  keyChangeAnswerSchema,
  listDevicesAnswerSchema,
  listKeysAnswerSchema,
  listOrgsAnswerSchema,
  metaAnswerSchema,
  newKeyAnswerSchema,
  orgEventSchema,
  orgStateAnswerSchema,
  registerAnswerSchema,
  registerBlockedAnswerSchema,
  registerRequestSchema,
  resumeOrgRequestSchema,
  revokeKeyRequestSchema,
  rotateKeyRequestSchema,
  rotateSigningKeyAnswerSchema,
  rotateSigningKeyRequestSchema,
  setOrgPlanAnswerSchema,
  setOrgPlanRequestSchema,
  setOrgPolicyRequestSchema,
  stopOrgRequestSchema,
  unrevokeRequestSchema,
  usageAnswerSchema,
  validateAnswerSchema,
  validateRequestSchema,
} from "../../wire/index.ts";

/** What travels, by the names that the OpenAPI document gives it. */
const SCHEMAS = {
  RegisterRequest: registerRequestSchema,
  ValidateRequest: validateRequestSchema,
  ChangeDeviceRequest: changeDeviceRequestSchema,
  UnrevokeRequest: unrevokeRequestSchema,
  BatchRequest: batchRequestSchema,
  CreateOrgRequest: createOrgRequestSchema,
  SetOrgPlanRequest: setOrgPlanRequestSchema,
  StopOrgRequest: stopOrgRequestSchema,
  ResumeOrgRequest: resumeOrgRequestSchema,
  SetOrgPolicyRequest: setOrgPolicyRequestSchema,
  CreateKeyRequest: createKeyRequestSchema,
  RevokeKeyRequest: revokeKeyRequestSchema,
  RotateKeyRequest: rotateKeyRequestSchema,
  RotateSigningKeyRequest: rotateSigningKeyRequestSchema,
  Registered: registerAnswerSchema,
  RegistrationBlocked: registerBlockedAnswerSchema,
  Decision: validateAnswerSchema,
  DeviceList: listDevicesAnswerSchema,
  DeviceChange: deviceChangeAnswerSchema,
  BatchChange: batchAnswerSchema,
  Usage: usageAnswerSchema,
  OrgCreated: createOrgAnswerSchema,
  OrgList: listOrgsAnswerSchema,
  OrgPlanSet: setOrgPlanAnswerSchema,
  OrgState: orgStateAnswerSchema,
  NewKey: newKeyAnswerSchema,
  KeyChange: keyChangeAnswerSchema,
  KeyList: listKeysAnswerSchema,
  AuditPage: auditAnswerSchema,
  AuditChains: auditChainsAnswerSchema,
  SigningKeyRotated: rotateSigningKeyAnswerSchema,
  JwkSet: jwksAnswerSchema,
  Meta: metaAnswerSchema,
  Health: healthAnswerSchema,
  OrgEvent: orgEventSchema,
  Failure: failureAnswerSchema,
} as const satisfies Record<string, z.ZodMiniType>;

export type SchemaName = keyof typeof SCHEMAS;

/** A JSON Schema of each, in the dialect of OpenAPI 3.1. What is sent is what is described. */
export function jsonSchemas(): Record<string, object> {
  return Object.fromEntries(
    Object.entries(SCHEMAS).map(([name, schema]) => {
      const { $schema: _dialect, ...described } = z.toJSONSchema(schema, { io: "input" });
      return [name, described];
    }),
  );
}
