"""Pages of the console, an API client that shows each person no more than their own rights allow."""

import re
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.services.referrals.stories.world import World


class Pages(World):
    @rule(data=st.data())
    def look_at_a_page(self, data: Any) -> None:
        """Open a page as the person; the console calls the API with their token."""
        console = self.stage.console
        caller = data.draw(st.sampled_from(self.callers()))
        page = data.draw(st.sampled_from(console.pages))
        case = data.draw(st.sampled_from(self.cases))
        ids = self.ids_of(case)
        path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], case.id), page)
        console.heard.clear()
        answer = self.run(console.open(path, caller.client, self.claims(caller)))
        for method, asked, heard in console.heard:
            assert heard.status_code < 500, (page, asked, heard.text)
            if method == "GET":
                self.notices(caller, asked, heard.status_code, heard.text)
        assert answer.status_code in range(200, 500) or answer.status_code == 503, (page, answer)
        self.judge(caller, path, answer.text)
