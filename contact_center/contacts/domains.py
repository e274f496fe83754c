"""Mail domains that say where a person works, and those that say nothing because anybody can have an address there
(or, as at example.com, nobody)."""

_PROVIDERS = """
    gmail.com googlemail.com yahoo.com ymail.com outlook.com hotmail.com live.com msn.com icloud.com me.com mac.com
    aol.com proton.me protonmail.com pm.me gmx.de gmx.net gmx.com web.de t-online.de freenet.de mail.com zoho.com
    fastmail.com tutanota.com tuta.io yandex.ru yandex.com yandex.by yandex.kz yandex.ua ya.ru narod.ru mail.ru inbox.ru
    bk.ru list.ru internet.ru xmail.ru rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru vk.com ukr.net i.ua meta.ua
    bigmir.net tut.by qip.ru pochta.ru nextmail.ru e1.ru ngs.ru orange.fr free.fr laposte.net wanadoo.fr libero.it
    virgilio.it seznam.cz wp.pl onet.pl o2.pl interia.pl abv.bg qq.com 163.com 126.com sina.com naver.com daum.net
    hanmail.net comcast.net verizon.net att.net btinternet.com
    example.com example.net example.org
"""
PUBLIC = frozenset(_PROVIDERS.split())
_PUBLIC_SECOND = ("yahoo", "hotmail", "live", "outlook")  # yahoo.co.uk and its likes


def company_domain(address: str) -> str:
    """The domain of a mail address when it is a company's own, else nothing."""
    domain = address.rpartition("@")[2].lower()
    if "." not in domain or domain in PUBLIC or domain.partition(".")[0] in _PUBLIC_SECOND:
        return ""
    return domain
