/** Protobuf messages: valid ones with mutated fields, mutated bytes, or both. */

/**
 * @param codec  `encode` and `decode` of one message type
 * @param valid  some of its fields
 */
export function changedMessage(mutator, codec, valid) {
  if (mutator.chance(0.15)) return mutator.bytes();
  const empty = codec.decode(Buffer.alloc(0));
  // Decode an empty message, so that every field is present.
  const whole = codec.decode(Buffer.from(codec.encode({ ...empty, ...valid })));
  let bytes;
  try {
    bytes = Buffer.from(codec.encode({ ...empty, ...mutator.changedValue(whole) }));
  } catch {
    // The mutated value does not fit its field.
    bytes = Buffer.from(codec.encode(whole));
  }
  return mutator.chance(0.4) ? mutator.changedBytes(bytes) : bytes;
}
