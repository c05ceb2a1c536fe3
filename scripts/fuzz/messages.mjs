/** Messages of protobuf: valid ones with changes in their fields, in their bytes, or both. */

/**
 * @param codec  `encode` and `decode` of one type of message
 * @param valid  some of its fields
 */
export function changedMessage(mutator, codec, valid) {
  if (mutator.chance(0.15)) return mutator.bytes();
  const empty = codec.decode(Buffer.alloc(0));
  // As it is read from the wire, so that every field is there.
  const whole = codec.decode(Buffer.from(codec.encode({ ...empty, ...valid })));
  let bytes;
  try {
    bytes = Buffer.from(codec.encode({ ...empty, ...mutator.changedValue(whole) }));
  } catch {
    // The changed value has no place in its field.
    bytes = Buffer.from(codec.encode(whole));
  }
  return mutator.chance(0.4) ? mutator.changedBytes(bytes) : bytes;
}
