// Shapes over the image, in units of the canvas, and drawing them. SVG over OpenSeadragon.

const SVG = 'http://www.w3.org/2000/svg';
/** Pixels of the screen; a smaller drag is a slip of the hand. */
const DRAG_MIN = 5;
const OF_THE_DRAWING_ONLY = ['pointerdown', 'pointermove', 'pointerup', 'pointercancel', 'click', 'dblclick'];

function svg(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Units of the canvas → pixels of the viewer, by where three corners of the image are: turned and mirrored ones too. */
function matrix(viewer, canvas) {
  const image = viewer.world.getItemAt(0);
  if (!image) return null;
  const { x: width, y: height } = image.getContentSize();
  const mirrored = viewer.viewport.getFlip() ? viewer.container.clientWidth : null;
  const corner = (x, y) => {
    const at = image.imageToViewerElementCoordinates(new window.OpenSeadragon.Point(x, y));
    return { x: mirrored === null ? at.x : mirrored - at.x, y: at.y };
  };
  const [origin, right, below] = [corner(0, 0), corner(width, 0), corner(0, height)];
  const [across, down] = [canvas.width || width, canvas.height || height];
  return [
    (right.x - origin.x) / across, (right.y - origin.y) / across,
    (below.x - origin.x) / down, (below.y - origin.y) / down, origin.x, origin.y,
  ];
}

/** The whole canvas, in its units. */
function extent(viewer, canvas) {
  const size = viewer.world.getItemAt(0)?.getContentSize();
  return { width: canvas.width || size?.x, height: canvas.height || size?.y };
}

function boxBetween(from, to) {
  const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)];
  const [right, bottom] = [Math.max(from.x, to.x), Math.max(from.y, to.y)];
  return { x, y, width: Math.max(1, right - x), height: Math.max(1, bottom - y) };
}

export class Overlay {
  #viewer;
  #canvas = {};
  #root = svg('svg', { class: 'overlay', 'aria-hidden': 'true' });
  #layer = svg('g');
  #draft = svg('g', { class: 'draft' });
  #groups = new Map();
  #drawing = null;

  /** `onSelect` gets the key of what a reader clicks on. */
  constructor(viewer, onSelect) {
    this.#viewer = viewer;
    this.#layer.append(this.#draft);
    this.#root.append(this.#layer);
    viewer.canvas.append(this.#root);
    for (const event of ['open', 'resize', 'update-viewport']) viewer.addHandler(event, () => this.#position());
    viewer.addHandler('canvas-click', (event) => {
      const key = event.quick ? this.#at(event.originalEvent) : null;
      if (key === null) return;
      event.preventDefaultAction = true;
      onSelect(key);
    });
    for (const event of OF_THE_DRAWING_ONLY) {
      this.#root.addEventListener(event, (it) => this.#drawing && it.stopPropagation());
    }
  }

  /** Shows another canvas: nothing is marked on it yet. */
  turnTo(canvas) {
    this.cancel();
    this.#canvas = canvas;
    this.#groups.forEach((group) => group.remove());
    this.#groups.clear();
    this.#position();
  }

  put(key, shapes) {
    this.remove(key);
    const group = svg('g');
    group.append(...shapes.map(({ name, attributes }) => svg(name, attributes)));
    this.#groups.set(key, group);
    this.#layer.insertBefore(group, this.#draft);
  }

  remove(key) {
    this.#groups.get(key)?.remove();
    this.#groups.delete(key);
  }

  /** Marks one among the others. */
  select(key) {
    this.#groups.forEach((group, it) => group.classList.toggle('selected', it === key));
  }

  /** Shows what is drawn or typed but not saved. */
  sketch(place) {
    const { box, points } = place ?? {};
    const shapes = box ? [svg('rect', box)] : points ? [svg('polygon', { points: points.join(' ') })] : [];
    this.#draft.replaceChildren(...shapes);
  }

  /** Brings what is marked into sight, or the whole page. */
  lookAt(key) {
    const group = this.#groups.get(key);
    const { viewport, world } = this.#viewer;
    if (!group?.childElementCount) return void viewport.goHome();
    const { x, y, width, height } = group.getBBox();
    const size = world.getItemAt(0).getContentSize();
    const whole = extent(this.#viewer, this.#canvas);
    const [across, down] = [size.x / whole.width, size.y / whole.height];
    // With a margin of its own size around it.
    const part = [(x - width / 2) * across, (y - height / 2) * down, width * 2 * across, height * 2 * down];
    viewport.fitBounds(world.getItemAt(0).imageToViewportRectangle(...part));
  }

  /** Lets the reader draw a `rectangle` or a `polygon`; `onDrawn` gets the place, in whole units. */
  draw(kind, onDrawn) {
    this.cancel();
    const ways = { rectangle: () => this.#dragged(), polygon: () => this.#clicked() };
    this.#drawing = { ...ways[kind](), onDrawn };
    this.#root.classList.add('drawing');
    for (const [event, act] of Object.entries(this.#drawing.on)) this.#root.addEventListener(event, act);
  }

  /** Gives up drawing. Returns whether there was something to give up. */
  cancel() {
    if (!this.#drawing) return false;
    for (const [event, act] of Object.entries(this.#drawing.on)) this.#root.removeEventListener(event, act);
    this.#drawing = null;
    this.#root.classList.remove('drawing');
    return true;
  }

  #drawn(place) {
    const { onDrawn } = this.#drawing;
    this.cancel();
    this.sketch(place);
    onDrawn(place);
  }

  #dragged() {
    let from = null;
    const box = (event) => boxBetween(this.#point(from), this.#point(event));
    const isDrag = (event) => Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) >= DRAG_MIN;
    return {
      on: {
        pointerdown: (event) => {
          from = event;
          this.#root.setPointerCapture(event.pointerId);
        },
        pointermove: (event) => from && this.sketch({ box: box(event) }),
        pointerup: (event) => {
          if (from && isDrag(event)) this.#drawn({ box: box(event) });
          else this.sketch(null);
          from = null;
        },
      },
    };
  }

  #clicked() {
    const points = [];
    const pair = ({ x, y }) => [x, y];
    return {
      on: {
        click: (event) => {
          // The second click of a double one is no corner of its own.
          if (event.detail > 1) return;
          points.push(pair(this.#point(event)));
          this.sketch({ points });
        },
        pointermove: (event) => points.length > 0 && this.sketch({ points: [...points, pair(this.#point(event))] }),
        dblclick: () => points.length > 2 && this.#drawn({ points }),
      },
    };
  }

  /** The unit of the canvas under a pointer, within the canvas. */
  #point({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.#layer.getScreenCTM().inverse());
    const { width, height } = extent(this.#viewer, this.#canvas);
    const within = (value, most) => Math.round(Math.min(Math.max(value, 0), most));
    return { x: within(x, width), y: within(y, height) };
  }

  /** The key of the smallest shape under a pointer. */
  #at(event) {
    const point = this.#point(event);
    const area = (group) => group.getBBox().width * group.getBBox().height;
    const hit = [...this.#groups].filter(([, group]) => [...group.children].some((it) => it.isPointInFill(point)));
    hit.sort(([, one], [, other]) => area(one) - area(other));
    return hit[0]?.[0] ?? null;
  }

  #position() {
    const numbers = matrix(this.#viewer, this.#canvas);
    this.#layer.setAttribute('visibility', numbers ? 'visible' : 'hidden');
    if (numbers) this.#layer.setAttribute('transform', `matrix(${numbers.join(' ')})`);
  }
}
