// SPDX-License-Identifier: Apache-2.0
//
// Python 3.7 and 3.8 include <crypt.h>, of which they use nothing in an extension; the cross compiler has none.
