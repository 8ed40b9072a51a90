// The camera of this computer: its pictures go to `take` as they come, until it is stopped.

const REFUSALS = {
  NotAllowedError: "The browser was told not to use the camera.",
  NotFoundError: "No camera was found here.",
  NotReadableError: "The camera is in use by another program.",
};
const ABSENT =
  "This browser gives no camera to a page from a disk. Chrome and Edge do; or run make play LIVE=1, whose page has one.";

export class Camera {
  constructor(take, failed) {
    Object.assign(this, { take, failed, stream: null, isStarting: false });
  }

  get isOn() {
    return this.stream !== null;
  }

  async start() {
    if (this.isStarting) return;
    this.isStarting = true;
    const video = document.createElement("video");
    try {
      if (!navigator.mediaDevices) throw new Error(ABSENT);
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
      Object.assign(video, { srcObject: this.stream, muted: true, playsInline: true });
      await video.play();
    } catch (error) {
      this.stop();
      this.failed(REFUSALS[error.name] || error.message);
      return;
    } finally {
      this.isStarting = false;
    }
    const next = () => {
      if (!this.stream) return;
      const side = Math.min(video.videoWidth, video.videoHeight);
      if (side > 0) this.take(square(video, video.videoWidth, video.videoHeight));
      requestAnimationFrame(next);
    };
    next();
  }

  // The last picture stays.
  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }
}

// The middle of a picture, as a canvas.
export function square(image, width, height) {
  const side = Math.min(width, height);
  const made = document.createElement("canvas");
  made.width = made.height = side;
  made.getContext("2d").drawImage(image, (width - side) / 2, (height - side) / 2, side, side, 0, 0, side, side);
  return made;
}
