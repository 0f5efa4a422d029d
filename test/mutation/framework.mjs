// The framework as the truth sees it: it notes what a file declares and does nothing else.
const noted = globalThis.noted;

export const currentTask = () => ({ assetPath: (name) => `${process.cwd()}/${name}` });

export const Pipeline = () => (target) => {
  noted.class = target;
};

/** Legacy decorators give the member's name, standard ones a context that has it. */
const nameOf = (about) => (typeof about === 'object' ? about.name : about);

export const Parameter =
  (options = {}) =>
  (_, about) => {
    noted.parameters.set(nameOf(about), options);
  };

export const Step =
  (options = {}) =>
  (_, about) => {
    const name = nameOf(about);
    noted.steps.push({
      name,
      inputs: options.inputs,
      returns: options.returns,
      call: (instance, args) => instance[name](...args),
    });
  };

export class PipelineController {
  addParameter({ name, ...options }) {
    noted.parameters.set(name, options);
    return this;
  }
  addFunctionStep({ name, function: fn, functionKwargs = {}, functionReturn }) {
    noted.steps.push({
      name,
      inputs: Object.values(functionKwargs), // written in the order of the function's parameters
      returns: functionReturn,
      call: (_, args) => fn(...args),
    });
    return this;
  }
}
