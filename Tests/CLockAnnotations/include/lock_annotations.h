#pragma once

/// Whether the thread sanitizer hears of Swift's locks from this target.
int la_is_annotating(void);
