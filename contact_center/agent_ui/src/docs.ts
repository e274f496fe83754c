// The API page: the document is ours, the viewer is bundled, nothing is asked of any other host.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

SwaggerUI({ url: "/api/openapi.json", dom_id: "#docs", validatorUrl: null, deepLinking: true, defaultModelsExpandDepth: 0 });
