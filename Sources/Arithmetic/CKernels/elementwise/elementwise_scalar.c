#include "elementwise_body.h"

CK_DEFINE_ELEMENTWISE(scalar, )
