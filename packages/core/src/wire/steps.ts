import type { ArtifactRecord } from '../model/artifact.js';
import type { PreimagePart } from '../ports/store.js';

/** Where the inputs of a step came from, and who used its outputs. Empty until it was looked up or has run. */
export interface StepInputs {
  readonly inputs: readonly {
    /** The argument's or parameter's name; `#1`, `#2` of arguments without one. */
    readonly name: string;
    readonly kind: 'input' | 'file' | 'parameter' | 'configuration';
    /** What it refers to, as a user would write it: `$<load.rows>`; undefined for a value. */
    readonly reference?: string;
    /** The artifacts that it was made from: one, or several in a list or an object. */
    readonly from: readonly { readonly step: string; readonly artifact: string }[];
    /** The pipeline's parameter, where it is one. */
    readonly parameter?: string;
    /** Of a file: its path, as it was given. */
    readonly path?: string;
    /** A bounded look at the value. */
    readonly preview?: string;
  }[];
  /** By artifact: the steps that take it as an input. */
  readonly consumers: readonly { readonly artifact: string; readonly steps: readonly string[] }[];
}

/** The code that the step executed: the slice of the user's own source, from its package. */
export interface StepCodeView {
  /** Empty: its package is gone. */
  readonly pieces: readonly {
    /** Relative to the project's root. */
    readonly file: string;
    readonly line: number;
    /** Of the declaration. */
    readonly name: string;
    readonly text: string;
    readonly language: 'typescript' | 'tsx' | 'javascript' | 'json';
    /** The line (of the file) that failed. */
    readonly failed?: number;
  }[];
  /** The same of the latest earlier run whose code differs, to compare with. */
  readonly before?: {
    readonly run: string;
    readonly number: number;
    readonly pieces: StepCodeView['pieces'];
  };
  readonly assets: readonly { readonly path: string; readonly size: number }[];
  readonly package?: string;
}

/** Why a step ran, was taken from the cache or was skipped. */
export interface StepWhy {
  /** Sentences; the first is the answer. */
  readonly why: readonly string[];
  /** Parts of the fingerprint now and before; equal ones too. */
  readonly parts: readonly {
    readonly kind: PreimagePart['kind'];
    readonly name: string;
    readonly change: 'same' | 'changed' | 'added' | 'removed';
    readonly before?: string;
    readonly now?: string;
    readonly where?: string;
  }[];
  readonly comparedWith?: { readonly run: string; readonly number: number };
  /** Ancestors that executed although they had run before, nearest the source first. */
  readonly ancestors: readonly { readonly step: string; readonly why: readonly string[] }[];
  readonly fingerprint?: string;
}

export interface StepPackages {
  readonly dependencies: readonly {
    readonly name: string;
    readonly version: string;
    readonly direct: boolean;
    readonly through?: string;
  }[];
  readonly node?: string;
}

/** An artifact with the place it belongs to. */
export interface PlacedArtifact {
  readonly run: string;
  readonly step: string;
  readonly artifact: ArtifactRecord;
}
