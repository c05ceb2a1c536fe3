/** A property of the residents, with a different value for each. */
export interface Attribute {
  /** Heading of the list of values in a prompt. */
  readonly heading: string;
  /** Values; none of them occurs in two attributes. */
  readonly values: readonly string[];
  /** Phrase that a resident has the value, e.g. "drinks tea". */
  readonly has: (value: string) => string;
  /** Phrase that a resident does not have the value. */
  readonly hasNot: (value: string) => string;
  /** Question for a resident's value. */
  readonly ask: (name: string) => string;
}

/** The names of the residents. */
export const NAMES: Attribute = {
  heading: "Names",
  values: ["Ada", "Bruno", "Clara", "Dmitri", "Edith", "Farid", "Greta"],
  has: (name) => `is ${name}`,
  hasNot: (name) => `is not ${name}`,
  ask: (name) => `Who is ${name}?`,
};

/** The attributes beside the names. */
export const TRAITS: readonly Attribute[] = [
  {
    heading: "Drinks",
    values: ["cocoa", "coffee", "juice", "lemonade", "milk", "tea", "water"],
    has: (drink) => `drinks ${drink}`,
    hasNot: (drink) => `does not drink ${drink}`,
    ask: (name) => `What does ${name} drink?`,
  },
  {
    heading: "Pets",
    values: ["cat", "dog", "goose", "hamster", "parrot", "tortoise", "zebra"],
    has: (pet) => `keeps the ${pet}`,
    hasNot: (pet) => `does not keep the ${pet}`,
    ask: (name) => `Which pet does ${name} keep?`,
  },
  {
    heading: "Doors",
    values: ["black", "blue", "green", "orange", "red", "white", "yellow"],
    has: (colour) => `has the ${colour} door`,
    hasNot: (colour) => `does not have the ${colour} door`,
    ask: (name) => `Which door does ${name} have?`,
  },
  {
    heading: "Instruments",
    values: ["cello", "drum", "flute", "guitar", "piano", "trumpet", "violin"],
    has: (instrument) => `plays the ${instrument}`,
    hasNot: (instrument) => `does not play the ${instrument}`,
    ask: (name) => `Which instrument does ${name} play?`,
  },
  {
    heading: "Trees",
    values: ["apple", "cherry", "fig", "olive", "pear", "plum", "walnut"],
    has: (tree) => `grows the ${tree} tree`,
    hasNot: (tree) => `does not grow the ${tree} tree`,
    ask: (name) => `Which tree does ${name} grow?`,
  },
];
