// The chip's watchdogs. Three of them run when the boot ROM hands over; one stays, and resets a chip that does nothing.
#pragma once

// Before the first second is over.
void watchdogs_stop(void);

// From now on the chip is reset where watchdog_feed() is not called for five minutes, which no inference takes. (Its clock
// is a coarse one, and a fuse of the chip can make it eight times as long.)
void watchdog_start(void);
void watchdog_feed(void);

// Tells of the watchdog where it was what led to this start.
void watchdog_report(void);
