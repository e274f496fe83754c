import { createRouter, createWebHistory } from "vue-router";

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", redirect: "/tickets/open" },
    { path: "/tickets/:view(open|mine|unassigned|awaiting|in_work|waiting|resolved|all)/:ticket(\\d+)?", name: "tickets", component: () => import("./features/inbox/InboxPage.vue") },
    { path: "/queues/:queue(\\d+)/:ticket(\\d+)?", name: "queue", component: () => import("./features/inbox/InboxPage.vue") },
    { path: "/views/:saved(\\d+)/:ticket(\\d+)?", name: "saved", component: () => import("./features/inbox/InboxPage.vue") },
    { path: "/organizations/:organization(\\d+)?", name: "organizations", component: () => import("./features/person/OrganizationsPage.vue") },
    { path: "/people/:contact(\\d+)?", name: "people", component: () => import("./features/person/PeoplePage.vue") },
    { path: "/for-me", name: "notices", component: () => import("./features/desk/NoticesPage.vue") },
    { path: "/board", name: "board", component: () => import("./features/board/BoardPage.vue") },
    { path: "/reports", name: "reports", component: () => import("./features/reports/ReportsPage.vue") },
    { path: "/search", name: "search", component: () => import("./features/search/SearchPage.vue") },
    { path: "/setup/:tab([a-z]+)?", name: "setup", component: () => import("./features/setup/SetupPage.vue") },
    { path: "/account", name: "account", component: () => import("./features/account/AccountPage.vue") },
    { path: "/login", name: "login", meta: { public: true }, component: () => import("./features/account/LoginPage.vue") },
    { path: "/first-login", name: "first-login", meta: { public: true }, component: () => import("./features/account/LoginPage.vue") },
    { path: "/invitation", name: "invitation", meta: { public: true }, component: () => import("./features/account/LoginPage.vue") },
    { path: "/:rest(.*)*", redirect: "/tickets/open" },
  ],
});
