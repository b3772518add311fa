#pragma once
#include "backend/requests/request_context.h"

namespace parley::backend {

// Which end of a page is left out when its messages, with what was said of them, outgrow a reply.
enum class Cut { oldest, newest };

// The page's messages as readers see them (wire/fold.h): one query more, none where nothing in it is spoken of. `room`
// as it was when the page was asked for or later. At least one message stays.
Result<Page> fold_page(const RequestContext& context, const Room& room, Page page, Cut cut);

}  // namespace parley::backend
