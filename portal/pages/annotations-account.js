// Who writes, and into which container: `KEY:SECRET` for this tab, and a container that is made if it is missing.

import {
  containerPath, graphql, makeContainer, signIn, signOut, signedIn,
} from '/static/pages/annotations-server.js';

const CONTAINER = `query($customer: Int!, $id: String!) {
  annotationContainer(customer: $customer, id: $id) { label }
}`;

const element = (id) => document.getElementById(id);

/** `onChange` gets whether notes can be written now; `onError` a sentence. */
export class Account {
  #customer;
  #container;
  #onChange;
  #onError;

  constructor({ customer, container, onChange, onError }) {
    this.#customer = customer;
    this.#container = container;
    this.#onChange = onChange;
    this.#onError = onError;
    element('sign-in').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#enter(element('key').value.trim());
    });
    element('sign-out').addEventListener('click', () => {
      signOut();
      this.#show('out');
    });
    element('make-container').addEventListener('click', () => this.#make());
  }

  get containerPath() {
    return containerPath(this.#customer, this.#container);
  }

  /** Begins with what this tab knows. */
  begin() {
    return signedIn() ? this.#look() : this.#show('out');
  }

  #enter(key) {
    if (!/^[^:]+:.+$/.test(key)) {
      this.#onError('Credentials look like KEY:SECRET.');
      return;
    }
    signIn(key);
    element('key').value = '';
    this.#look();
  }

  async #look() {
    try {
      const { annotationContainer } = await graphql(CONTAINER, { customer: this.#customer, id: this.#container });
      this.#show(annotationContainer ? 'ready' : 'missing');
    } catch (error) {
      signOut();
      this.#show('out');
      this.#onError(error.message);
    }
  }

  async #make() {
    try {
      await makeContainer(this.containerPath, this.#container);
      this.#show('ready');
      element('annotation-new').focus();
    } catch (error) {
      this.#onError(error.message);
    }
  }

  /** `out`, `missing` (signed in, but there is no container) or `ready`. */
  #show(state) {
    const sentences = {
      out: 'Notes are read by anybody, and written with credentials.',
      missing: `There is no container “${this.#container}” for notes yet.`,
      ready: `Notes are kept in the container “${this.#container}”.`,
    };
    element('account-state').textContent = sentences[state];
    element('sign-in').hidden = state !== 'out';
    element('sign-out').hidden = state === 'out';
    element('make-container').hidden = state !== 'missing';
    element('make-container').textContent = `Make the container “${this.#container}”`;
    element('annotation-new').disabled = state !== 'ready';
    this.#onError('');
    this.#onChange(state === 'ready');
  }
}
