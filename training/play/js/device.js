

export class DeviceRoom {
  constructor(engine, live) {
    Object.assign(this, { engine, live });
  }

  answered() {}
}
